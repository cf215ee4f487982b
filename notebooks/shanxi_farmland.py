# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Farmland quotas of Shanxi, county by county
#
# What five plans promise, read as GeoDataFrames. Run `geoplan build` once; then every figure below can be followed to
# the plan and the line that state it.

# %%
import geopandas as gpd
import matplotlib.pyplot as plt
import pandas as pd

import geoplan

# %% [markdown]
# ## Which layers there are

# %%
columns = {"id": "id", "count": "features", "unplaced": "not drawn"}
layers = pd.DataFrame(geoplan.list_layers())
layers["title"] = layers["title"].str["en"]
layers[["title", *columns]].rename(columns=columns).set_index("id")

# %% [markdown]
# ## The quotas of Xinzhou
#
# A layer is in CGCS2000 (EPSG:4490). City and province figures are rows of their own: add up counties *or* take the
# city, never both. Rows with a `duplicate_of` say the same again, and a total that several places share has no `value`.

# %%
farmland = geoplan.read_layer("farmland")
new = farmland[(farmland["theme"] == "high_standard_farmland") & (farmland["change"] == "flow")]
city = new[new["division_name"] == "忻州市"].iloc[0]
quotas = new[new["part_of"] == city["record"]].sort_values("value", ascending=False)
quotas[["division_name", "value", "unit", "plan", "line"]]

# %%
total = round(quotas["value"].sum(), 6)
print(f"{len(quotas)} counties: {total} x 10^4 mu; the city: {city['value']} x 10^4 mu (line {city['line']})")
assert total == city["value"]

# %% [markdown]
# ## Beside the area of each county
#
# `value_si` is in hectares (1 mu is 2000/3 m²). Join on the code, which is unique, and let pandas check that it is.
# The boundaries are generalised, so an area has an error of some per cent.

# %%
counties = geoplan.read_layer("counties")
table = quotas.merge(counties[["division_code", "area_km2"]], on="division_code", validate="one_to_one")
table["percent"] = table["value_si"] / (table["area_km2"] * 100) * 100
table[["division_name", "value_si", "area_km2", "percent"]].round(2)

# %% [markdown]
# ## Where the plans are silent
#
# Facts that name a county or a place in it; what is said twice counts once.

# %%
coverage = geoplan.read_layer("coverage")
by_city = coverage.groupby("parent_name")["facts"].agg(counties="size", facts="sum")
by_city["not named"] = coverage[coverage["facts"] == 0].groupby("parent_name").size()
by_city.fillna(0).astype(int).sort_values("facts", ascending=False)

# %% [markdown]
# ## One figure

# %%
around = counties[counties["parent_name"] == "忻州市"]
drawn = gpd.GeoDataFrame(quotas[["value", "geometry"]], crs=farmland.crs)
figure, axes = plt.subplots(figsize=(8, 6), layout="constrained")
drawn.plot(ax=axes, column="value", cmap="YlGn", legend=True, legend_kwds={"label": "10$^4$ mu"})
around.boundary.plot(ax=axes, color="0.4", linewidth=0.6)
for row in drawn.itertuples():
    place = row.geometry.representative_point()
    axes.annotate(f"{row.value:g}", (place.x, place.y), ha="center", va="center", fontsize=8)
axes.set(title="New high-standard farmland 2021-2025, Xinzhou", xlabel="longitude", ylabel="latitude")
figure.text(0.01, 0.01, "Generalised boundaries, for orientation only; not for publication.", fontsize=7)
plt.show()

# %% [markdown]
# ## What is not on the map, and why

# %%
pd.Series(geoplan.read_report("stops")["reasons"], name="stops")
