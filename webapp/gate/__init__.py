"""Who may open the web app: one-time links and their cookies, or an identity provider."""
