package backtest

// Chance is chance, for tests that have to fail the same requests.
var Chance = chance
