"""What people see of trust lists."""
