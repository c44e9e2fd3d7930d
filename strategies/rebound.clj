; Buys what has been sold too hard, once a week. Each of three groups is its name with the lowest RSI of ten days; of the groups
; it holds the two that would have fallen least from their highs of half a year. It stays with the whole market while that falls,
; and after a week in which the market has not closed lower once: then nothing has been sold.
(defsymphony "Rebound"
  {:asset-class "EQUITIES", :rebalance-frequency :weekly}
  (if (<= (moving-average-return "SPY" {:window 20}) -0.1)
    [(asset "SPY" "SPDR S&P 500 ETF Trust")]
    [(if (= (max-drawdown "SPY" {:window 5}) 0)
       [(asset "SPY" "SPDR S&P 500 ETF Trust")]
       [(weight-equal
          [(filter (max-drawdown {:window 120})
             (select-bottom 2)
             [(group "Lenders"
                [(filter (rsi {:window 10}) (select-bottom 1) [(asset "BAC" "Bank of America Corporation") (asset "JPM" "JPMorgan Chase & Co.")])])
              (group "Makers"
                [(filter (rsi {:window 10}) (select-bottom 1)
                   [(asset "GE" "General Electric Company") (asset "GM" "General Motors Company") (asset "PFE" "Pfizer Inc.")])])
              (group "Shops"
                [(filter (rsi {:window 10}) (select-bottom 1)
                   [(asset "BABA" "Alibaba Group Holding Limited") (asset "BBY" "Best Buy Co., Inc.") (asset "SBUX" "Starbucks Corporation")])])])])])]))
