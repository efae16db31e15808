"""One module a resource; `application.RESOURCES` lists them."""
