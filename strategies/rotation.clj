; Four sectors compete. Each week it holds the two whose portfolios would have earned most on an average day of the last
; quarter: a group is scored by the returns that it would have had.
(defsymphony "Rotation"
  {:asset-class "EQUITIES", :rebalance-frequency :weekly}
  (filter (moving-average-return {:window 60})
    (select-top 2)
    [(group "Technology"
       [(weight-equal
          [(asset "AAPL" "Apple Inc.")
           (asset "AMD" "Advanced Micro Devices, Inc.")
           (asset "GOOG" "Alphabet Inc. Class C")])])
     (group "Finance"
       [(weight-equal
          [(asset "BAC" "Bank of America Corporation")
           (asset "JPM" "JPMorgan Chase & Co.")
           (asset "MA" "Mastercard Incorporated")])])
     (group "Energy"
       [(weight-specified
          0.7 (asset "XOM" "Exxon Mobil Corporation")
          0.3 (asset "RRC" "Range Resources Corporation"))])
     (group "Consumers"
       [(weight-equal
          [(asset "AMZN" "Amazon.com, Inc.")
           (filter (rsi {:window 20})
             (select-top 1)
             [(asset "BBY" "Best Buy Co., Inc.")
              (asset "SBUX" "Starbucks Corporation")
              (asset "UAA" "Under Armour, Inc. Class A")])
           (asset "WMT" "Walmart Inc.")])])]))
