"""Form level: which form, where it lies on the page, where its fields are."""
