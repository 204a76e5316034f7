"""PURE. Plans, results and findings as Markdown for comments of pull requests.

Every text from outside goes through `report.sanitise`: what stands here as markup is ours.
"""
