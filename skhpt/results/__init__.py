"""Tables, leaderboards and corrected scores of finished trials."""
