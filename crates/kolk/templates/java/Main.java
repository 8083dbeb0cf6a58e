import java.util.concurrent.CompletableFuture;

/** The echo node: what it is told comes back. */
final class Main {
    public static void main(String[] args) throws InterruptedException {
        Node node = new Node();
        node.on("echo", (src, body) -> {
            var reply = Node.body("type", "echo_ok", "echo", body.get("echo"));
            return CompletableFuture.completedFuture(reply);
        });
        node.run();
    }
}
