"""The demo retailer: writes vendor exports with planted defects, and the truth beside them."""

from pathlib import Path

#: A sources.yml for what the retailer's tools without a vendor module write.
OTHER_TOOLS = Path(__file__).with_name("generic_sources.yml")
