"""The demo retailer: writes vendor exports with planted defects, and the truth beside them."""
