"""The HTTP interface: layers, features, tiles and places of the current build, and the web page.

Routes and the table from errors to statuses; what is computed is computed in `geoplan`.
"""
