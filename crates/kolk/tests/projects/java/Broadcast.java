import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** Tells every value to every node, again and again until each has heard. */
final class Broadcast {
    private final Node node = new Node();
    private final Set<Object> values = new LinkedHashSet<>();

    private void learn(Object message) {
        if (!values.add(message)) return;
        for (String peer : node.ids) {
            if (peer.equals(node.id)) continue;
            node.retry(peer, Node.body("type", "gossip", "message", message), Node.SECOND);
        }
    }

    private static CompletableFuture<Map<String, Object>> reply(Object... pairs) {
        return CompletableFuture.completedFuture(Node.body(pairs));
    }

    public static void main(String[] args) throws InterruptedException {
        Broadcast broadcast = new Broadcast();
        Node node = broadcast.node;
        node.on("topology", (src, body) -> reply("type", "topology_ok"));
        node.on("broadcast", (src, body) -> {
            broadcast.learn(body.get("message"));
            return reply("type", "broadcast_ok");
        });
        node.on("gossip", (src, body) -> {
            broadcast.learn(body.get("message"));
            return reply("type", "gossip_ok");
        });
        node.on("read", (src, body) -> reply("type", "read_ok", "messages", broadcast.values));
        node.run();
    }
}
