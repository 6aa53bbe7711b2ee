"""What is asked of us over HTTP."""
