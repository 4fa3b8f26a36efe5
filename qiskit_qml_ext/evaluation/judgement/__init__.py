"""What the scores say: one test for two models, one verdict for all."""
