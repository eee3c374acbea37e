"""Where results go: lines, a window, videos, clips, a terminal. Each is a `Sink`, imported when it is asked for."""
