"""The pages of those who publish a department's services."""
