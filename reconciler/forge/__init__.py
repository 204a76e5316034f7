"""EDGE. Comments and issues of GitHub and GitLab, found again by the marker in their first line."""
