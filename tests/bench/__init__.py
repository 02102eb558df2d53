"""Tests of what the bench makes and prints; what it measures is no test."""
