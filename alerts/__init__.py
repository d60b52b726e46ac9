"""Is it news, who must know, did they hear: rules, lifecycle, grouping, routing, channels."""
