"""From outcomes to evidence: intervals, paired comparisons, costs, and what kind of mistake an answer makes."""
