// A page with the unmodified @snowplow/browser-tracker and its e-commerce plugin, bundled for Chromium.
import { enableActivityTracking, newTracker, setUserId, trackPageView, trackSelfDescribingEvent, trackStructEvent } from '@snowplow/browser-tracker'
import { SnowplowEcommercePlugin, trackAddToCart, trackTransaction } from '@snowplow/browser-plugin-snowplow-ecommerce'

window.start = (host, appId, eventMethod) => {
  newTracker('sp', host, { appId, eventMethod, plugins: [SnowplowEcommercePlugin()], contexts: { webPage: true, session: true } })
  setUserId('u-1')
  enableActivityTracking({ minimumVisitLength: 1, heartbeatDelay: 1 })
  trackPageView()
  trackStructEvent({ category: 'shop', action: 'add-to-basket', value: 2.5 })
  const tea = { id: 'p-1', name: 'Tea', category: 'Drinks', price: 12.5, quantity: 2, currency: 'EUR' }
  trackAddToCart({ products: [tea], total_value: 25, currency: 'EUR' })
  trackTransaction({ transaction_id: 'o-1', revenue: 99.5, currency: 'EUR', payment_method: 'card', products: [tea] })
}
window.later = () =>
  trackSelfDescribingEvent({ event: { schema: 'iglu:com.acme/later/jsonschema/1-0-0', data: { n: 1 } } })
