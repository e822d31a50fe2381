"""The steps of the road, a few to a file: each looks at a draft, changes it or ends its journey."""
