"""The pages of the joint work plan: everybody's, and those of its officers."""
