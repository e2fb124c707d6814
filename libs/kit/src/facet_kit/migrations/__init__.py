"""Schema migrations of every service: the environment is the kit's, the versions are the service's.

python -m facet_kit.migrations upgrade facet_sales
python -m facet_kit.migrations revision facet_sales -m "add rebates"
"""
