"""The market as a partially observed Markov game: what is seen, what is sold, what it is worth."""
