"""Analytics at work: what functions may know of a twin, its models and labels, the jobs that run, the live scores."""
