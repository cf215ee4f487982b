# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Farmland quotas of Shanxi
#
# The layers of the current build as GeoDataFrames. Build first (`geoplan build`), then run this from the project
# folder or set `GEOPLAN_PROJECT` and `GEOPLAN_BUILD`.

# %%
import matplotlib.pyplot as plt
import pandas as pd

import geoplan
from geoplan.crs import area_m2

pd.DataFrame(geoplan.list_layers())[["id", "count", "unplaced"]]

# %% [markdown]
# ## The county quotas of Xinzhou, each with its line

# %%
farmland = geoplan.read_layer("farmland")
quotas = farmland[(farmland["plan"] == "xinzhou") & (farmland["precision"] == "county")]
quotas[["division_name", "value", "unit", "change", "line"]]

# %% [markdown]
# They add up to the total that the plan states for the city, in another line.

# %%
stated = farmland[farmland["record"] == quotas["part_of"].iloc[0]].iloc[0]
assert len(quotas) == 14
assert round(quotas["value"].sum(), 6) == stated["value"] == 173.6
stated[["name", "division_name", "value", "unit", "line"]]

# %% [markdown]
# ## Quota per mu of county area
#
# `area_share` is the quota over the area of the county on the ellipsoid. It can be computed again from the shapes.

# %%
hectares = area_m2(quotas.geometry) / 1e4
assert (quotas["value_si"] / hectares - quotas["area_share"]).abs().max() < 1e-9

figure, axes = plt.subplots(figsize=(7, 6))
quotas.plot("area_share", cmap="YlGn", edgecolor="0.4", linewidth=0.5, legend=True, ax=axes)
axes.set_title("New high-standard farmland, share of county area")
axes.set_xlabel("longitude (CGCS2000)")
axes.set_ylabel("latitude")
figure.tight_layout()

# %% [markdown]
# ## A bound is not a value

# %%
bounds = farmland[farmland["qualifier"].isin(["at_least", "at_most"])]
bounds[["plan", "line", "name", "division_name", "qualifier", "value", "unit"]].head(10)

# %% [markdown]
# ## Which plan speaks of which county

# %%
coverage = geoplan.read_layer("coverage")
coverage.sort_values("facts", ascending=False)[["name", "parent_name", "facts", "plans"]].head(10)
