"""
Forecast a time series: lags and TimeSeriesSplit
================================================

A forecast uses the last values of a series, its lags. ``TimeSeriesSplit`` makes folds that are trained with
the past and tested with the time after it, as a forecast is used. This example forecasts the temperature of
the next day; the number of lags is a parameter of the search.
"""

# %%
# The data
# --------
# The data are the weather of 1,461 days in Seattle, from the package ``vega_datasets``. The target is the
# highest temperature of a day, in degrees Celsius. The features are the season and the temperatures of the
# 30 days before. The last 365 days are kept for the test: a time series is divided by time, not at random.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import loguniform
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import TimeSeriesSplit
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from vega_datasets import data

from skhpt import BayesSearchCV
from skhpt.plots import SearchSliceDisplay

weather = pd.read_csv(data.seattle_weather.filepath, parse_dates=["date"], index_col="date")
temperature = weather["temp_max"]
angle = 2 * np.pi * temperature.index.day_of_year / 365.25
season = pd.DataFrame({"sine": np.sin(angle), "cosine": np.cos(angle)}, index=temperature.index)
lags = pd.DataFrame({f"lag_{days}": temperature.shift(days) for days in range(1, 31)})
X, y = season.join(lags).iloc[30:], temperature.iloc[30:]  # the first days lack some lags
X_train, X_test, y_train, y_test = X.iloc[:-365], X.iloc[-365:], y.iloc[:-365], y.iloc[-365:]
print(X_train.iloc[:, :5].head().round(2))

# %%
# The number of lags as a parameter
# ---------------------------------
# A transformer of a few lines keeps the first lags. Its parameter is tuned like every other.


class FirstLags(TransformerMixin, BaseEstimator):
    """Keep the columns that are no lags, and the first lags."""

    def __init__(self, n_lags=7):
        self.n_lags = n_lags

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X.drop(columns=[f"lag_{days}" for days in range(self.n_lags + 1, 31)])


pipeline = Pipeline([("lags", FirstLags()), ("scale", StandardScaler()), ("ridge", Ridge())])
space = {"lags__n_lags": range(1, 31), "ridge__alpha": loguniform(1e-1, 1e3)}

# %%
# The search
# ----------
# Each of the five folds is trained with all days before its test part. Where the forecast is for a later
# day than the next one, ``TimeSeriesSplit`` has a ``gap`` that leaves out the days in between.

folds = TimeSeriesSplit(5)
for train, test in folds.split(X_train):
    first, last = X_train.index[test[[0, -1]]]
    print(f"{len(train)} days before {first:%d %B %Y} train the forecasts up to {last:%d %B %Y}")

# %%

search = BayesSearchCV(
    pipeline, space, n_iter=25, cv=folds, scoring="neg_mean_absolute_error", random_state=0
).fit(X_train, y_train)
print(search.leaderboard_text(5))

# %%
# The score is the negative error in degrees. The line is the prediction of the model that the search has of
# the scores, with the other parameter at its best value.

SearchSliceDisplay.from_search(search)
plt.show()

# %%
# The last year
# -------------
# The best candidate was fitted again on all days of the training part. A forecast without any model says
# that tomorrow is as warm as today.

forecast = search.predict(X_test)
print(f"mean error as warm as the day before: {mean_absolute_error(y_test, X_test['lag_1']):.2f} degrees")
print(f"mean error of the best candidate:     {mean_absolute_error(y_test, forecast):.2f} degrees")

_, ax = plt.subplots(figsize=(9, 3.5), layout="constrained")
ax.plot(y_test.index[:120], y_test[:120], "k.-", linewidth=0.7, label="temperature")
ax.plot(y_test.index[:120], forecast[:120], label="forecast on the day before")
ax.set_ylabel("highest temperature in °C")
ax.legend()
plt.show()
