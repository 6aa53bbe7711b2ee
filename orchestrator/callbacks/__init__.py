"""What the application is told: callback payloads, the durable outbox, ordered delivery, signatures."""
