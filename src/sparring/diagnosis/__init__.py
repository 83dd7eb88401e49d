"""The referee: what a run's records show, which sickness that is, and what helps."""
