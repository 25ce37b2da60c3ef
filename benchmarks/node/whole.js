// bitfinex-api-node, the exchange's own client: frames to callbacks with raw arrays, its fastest way.
// whole.js URL TOTAL
'use strict'

const { WSv2 } = require('bitfinex-api-node')

const [url, total] = [process.argv[2], Number(process.argv[3])]
const ws = new WSv2({ url, apiKey: 'key', apiSecret: 'secret', transform: false })
const balances = {}
let count = 0
let began
let used

function one () {
  if (count === 0) {
    began = process.hrtime.bigint()
    used = process.cpuUsage()
  }
  if (++count !== total) return
  const cpu = process.cpuUsage(used)
  console.log(JSON.stringify({
    seconds: Number(process.hrtime.bigint() - began) / 1e9,
    cpu: (cpu.user + cpu.system) / 1e6,
    messages: count,
    balance: balances.BTC
  }))
  process.exit(0)
}

ws.onWalletUpdate({}, (row) => {
  balances[row[1]] = row[2]
  one()
})
ws.onOrderUpdate({}, one)
ws.onAccountTradeUpdate({}, one)
ws.onBalanceInfoUpdate({}, one)
ws.on('error', (error) => {
  console.error(error.message)
  process.exit(1)
})
ws.open()
