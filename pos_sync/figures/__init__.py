"""What the monitor and a device's page tell of the tills, read-only: numbers, exposure, what waits. No rule is here."""
