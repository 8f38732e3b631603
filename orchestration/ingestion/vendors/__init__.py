"""The vendors that can be landed, a module each: a new vendor is a new module that has ``SPEC``."""
