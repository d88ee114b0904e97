"""Measurements, printed as JSON by `contrib/bench`. Ratios against peers measured in the same run mean something;
absolute times on a shared machine are an order of magnitude."""
