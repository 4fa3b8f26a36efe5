"""What is diagnosed: a circuit or network with an observable, and what one shot of it says."""
