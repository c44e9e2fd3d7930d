; Follows the market. Above its average of 200 days it holds growth: the four strongest names of the last quarter. While the
; market has run hot, half of the money moves into banks, staples and the whole market. Below the average it is defensive.
(defsymphony "Trend"
  {:asset-class "EQUITIES", :rebalance-frequency :daily}
  (if (> (current-price "SPY") (moving-average-price "SPY" {:window 200}))
    [(if (> (rsi "SPY" {:window 14}) 70)
       [(group "Overheated"
          [(weight-equal
             [(filter (cumulative-return {:window 60})
                (select-top 4)
                [(asset "AAPL" "Apple Inc.")
                 (asset "AMD" "Advanced Micro Devices, Inc.")
                 (asset "AMZN" "Amazon.com, Inc.")
                 (asset "GOOG" "Alphabet Inc. Class C")
                 (asset "MA" "Mastercard Incorporated")
                 (asset "META" "Meta Platforms, Inc.")])
              (weight-equal
                [(asset "JPM" "JPMorgan Chase & Co.")
                 (asset "WMT" "Walmart Inc.")
                 (asset "SPY" "SPDR S&P 500 ETF Trust")])])])]
       [(group "Growth"
          [(weight-equal
             [(filter (cumulative-return {:window 60})
                (select-top 4)
                [(asset "AAPL" "Apple Inc.")
                 (asset "AMD" "Advanced Micro Devices, Inc.")
                 (asset "AMZN" "Amazon.com, Inc.")
                 (asset "GOOG" "Alphabet Inc. Class C")
                 (asset "MA" "Mastercard Incorporated")
                 (asset "META" "Meta Platforms, Inc.")])])])])]
    [(group "Defensive"
       [(weight-equal
          [(asset "WMT" "Walmart Inc.")
           (asset "PFE" "Pfizer Inc.")
           (asset "T" "AT&T Inc.")
           (asset "XOM" "Exxon Mobil Corporation")])])]))
