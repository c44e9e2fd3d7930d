; Once a month it buys the five names that have risen most in half a year. A month in which the market itself has fallen
; over that time is spent in the two calmest names instead.
(defsymphony "Momentum"
  {:asset-class "EQUITIES", :rebalance-frequency :monthly}
  (if (> (cumulative-return "SPY" {:window 120}) 0)
    [(filter (cumulative-return {:window 120})
       (select-top 5)
       [(asset "AAPL" "Apple Inc.")
        (asset "AMD" "Advanced Micro Devices, Inc.")
        (asset "AMZN" "Amazon.com, Inc.")
        (asset "BABA" "Alibaba Group Holding Limited")
        (asset "BBY" "Best Buy Co., Inc.")
        (asset "GE" "General Electric Company")
        (asset "GM" "General Motors Company")
        (asset "GOOG" "Alphabet Inc. Class C")
        (asset "JPM" "JPMorgan Chase & Co.")
        (asset "MA" "Mastercard Incorporated")
        (asset "META" "Meta Platforms, Inc.")
        (asset "SBUX" "Starbucks Corporation")
        (asset "UAA" "Under Armour, Inc. Class A")
        (asset "XOM" "Exxon Mobil Corporation")])]
    [(filter (stdev-return {:window 60})
       (select-bottom 2)
       [(asset "PFE" "Pfizer Inc.")
        (asset "SPY" "SPDR S&P 500 ETF Trust")
        (asset "T" "AT&T Inc.")
        (asset "WMT" "Walmart Inc.")])]))
