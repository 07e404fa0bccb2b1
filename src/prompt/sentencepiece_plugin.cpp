int spyhop_unused;
