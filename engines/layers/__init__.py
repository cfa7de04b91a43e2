"""How each framework builds the kinds of layers in `engines/networks/kinds/`: a table from kinds to builders."""
