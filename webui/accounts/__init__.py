"""Who may open the page: logins of owners and operators."""
