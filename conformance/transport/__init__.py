"""What carries requests and answers, and how an exchange is shown and sent again."""
