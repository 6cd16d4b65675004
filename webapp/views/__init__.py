"""The pages, one a file; each has `page(desk)`, which draws it."""
