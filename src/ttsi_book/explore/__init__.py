"""The page Explore: every published sample, and the gate at any tau, as files that the page loads when it needs them.

- `sets`: the published rows, grouped into the sets of samples that a reader chooses from
- `gates`: what a gate does at each tau
- `settings`: what made the rows, in words
- `samples`: what the page shows of each sample
- `writing`: the files
"""
