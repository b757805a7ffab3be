"""Deep Q bidders that share credit, held up by bars."""
