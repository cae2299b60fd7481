"""
Tune a pipeline with columns of text, numbers and categories
============================================================

A ``ColumnTransformer`` prepares each kind of column of a DataFrame in its own way. This example tunes the
preparation of the columns and the classifier after it in one search, first with a DataFrame of pandas and
then with one of polars. The data are 406 cars of the years 1970 to 1982; the classifier tells whether a car
is from Europe, Japan or the USA.
"""

# %%
# The data
# --------
# The package ``vega_datasets`` contains the data. The name of a car is text, with spelling mistakes such as
# "toyouta" and "chevroelt". The number of cylinders is used as a category. The other columns are numbers,
# with a few missing values.

import matplotlib.pyplot as plt
import pandas as pd
import polars as pl
from scipy.stats import loguniform
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from vega_datasets import data

from skhpt import RandomSearch
from skhpt.plots import SearchSliceDisplay

cars = pd.read_json(data.cars.filepath)
train, test = train_test_split(cars, test_size=100, stratify=cars["Origin"], random_state=0)
print(train[["Name", "Cylinders", "Horsepower", "Weight_in_lbs", "Origin"]].head())

# %%
# The pipeline
# ------------
# Missing numbers are replaced by the mean, and all numbers get the same scale. Each number of cylinders
# gets a column of its own, and the words of the names get weights (TF-IDF).

numbers = ["Miles_per_Gallon", "Displacement", "Horsepower", "Weight_in_lbs", "Acceleration"]
prepare = ColumnTransformer(
    [
        ("numbers", Pipeline([("impute", SimpleImputer()), ("scale", StandardScaler())]), numbers),
        ("cylinders", OneHotEncoder(handle_unknown="ignore"), ["Cylinders"]),
        ("name", TfidfVectorizer(), "Name"),
    ]
)
pipeline = Pipeline([("prepare", prepare), ("classify", LogisticRegression(max_iter=5000))])

# %%
# The space
# ---------
# The name of a parameter is preceded by the names of the steps around it, joined by two underscores. A step
# can be a parameter too: ``"drop"`` leaves out the names of the cars. A list of dicts makes branches: the
# parameters of the vectorizer are searched only where the names are used.

penalty = loguniform(1e-2, 1e4)
space = [
    {"classify__C": penalty, "prepare__name": ["drop"]},
    {
        "classify__C": penalty,
        "prepare__name__analyzer": ["word", "char_wb"],
        "prepare__name__ngram_range": [(1, 1), (1, 2), (2, 4)],
    },
]
search = RandomSearch(pipeline, space, n_iter=30, random_state=0)
search.fit(train, train["Origin"])
print(search.leaderboard_text(5))

# %%
# The picture shows the score of each candidate by four of its parameters. A column has the candidates of
# the branches that have the parameter. Without the names of the cars, hardly more than 80 % are classified
# correctly.

params = ["classify__C", "prepare__name", "prepare__name__analyzer", "prepare__name__ngram_range"]
SearchSliceDisplay.from_search(search, params=params)
plt.show()

# %%
# The search is a model
# ---------------------
# The best candidate was fitted again on all rows of ``train``, and classifies the cars that the search has
# not seen.

print(f"accuracy on the 100 other cars: {search.score(test, test['Origin']):.3f}")

# %%
# The same with polars
# --------------------
# A search takes a DataFrame of polars as it is: the pipeline receives DataFrames of polars. The candidates
# and their scores are the same.

train_polars = pl.DataFrame(train.to_dict("list"))
search_polars = RandomSearch(pipeline, space, n_iter=30, random_state=0)
search_polars.fit(train_polars, train_polars["Origin"])
difference = abs(search_polars.cv_results_["mean_test_score"] - search.cv_results_["mean_test_score"]).max()
print(f"largest difference between the scores of a candidate: {difference}")
