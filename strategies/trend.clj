; Holds growth while the market is above its long average, and defensive names while it is not.
; An overheated market is met with half of the money in banks and staples.
(defsymphony "Trend"
  {:asset-class "EQUITIES", :rebalance-frequency :daily}
  (if (> (current-price "SPY") (moving-average-price "SPY" {:window 200}))
    [(if (> (rsi "SPY" {:window 14}) 70)
       [(group "Overheated"
          [(weight-equal
             [(asset "JPM" "JPMorgan Chase & Co.")
              (asset "WMT" "Walmart Inc.")
              (asset "MA" "Mastercard Incorporated")
              (asset "SPY" "SPDR S&P 500 ETF Trust")])])]
       [(group "Growth"
          [(weight-equal
             [(asset "AAPL" "Apple Inc.")
              (asset "AMZN" "Amazon.com, Inc.")
              (asset "GOOG" "Alphabet Inc. Class C")
              (asset "META" "Meta Platforms, Inc.")
              (asset "MA" "Mastercard Incorporated")])])])]
    [(group "Defensive"
       [(weight-equal
          [(asset "WMT" "Walmart Inc.")
           (asset "PFE" "Pfizer Inc.")
           (asset "T" "AT&T Inc.")
           (asset "XOM" "Exxon Mobil Corporation")])])]))
