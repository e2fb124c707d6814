"""The product tree and the products in it."""
