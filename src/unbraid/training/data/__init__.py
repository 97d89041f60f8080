"""What a network learns from: songs as stems, mixed and degraded anew for every step."""
