"""Draw forms, fill them with digits, print and scan them badly."""
