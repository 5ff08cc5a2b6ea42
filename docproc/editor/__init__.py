"""The template editor: a local web page on which fields are drawn, named, tried on filled pages, and saved."""
