import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;

/**
 * A member of a consumer group, as Java's client is. Arguments: the brokers, the group, topics with commas between them, and
 * further settings as KEY=VALUE. It writes ASSIGNED and its partitions whenever it has got some, and EVENT with the value of
 * each event once it is committed. It leaves the group by SIGTERM.
 */
public class GroupConsumer {
    public static void main(String[] arguments) throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("group.id", arguments[1]);
        settings.put("auto.offset.reset", "earliest");
        settings.put("enable.auto.commit", "false");
        settings.put("key.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
        settings.put("value.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
        for (String setting : Arrays.copyOfRange(arguments, 3, arguments.length)) {
            String[] parts = setting.split("=", 2);
            settings.put(parts[0], parts[1]);
        }
        var consumer = new KafkaConsumer<String, String>(settings);
        Thread main = Thread.currentThread();
        // wakeup() could end a commit that the broker has taken: its events would not be written.
        var isLeaving = new AtomicBoolean();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            isLeaving.set(true);
            try {
                main.join();
            } catch (InterruptedException ended) {
            }
        }));
        consumer.subscribe(Arrays.asList(arguments[2].split(",")), new ConsumerRebalanceListener() {
            public void onPartitionsRevoked(Collection<TopicPartition> partitions) {}

            public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
                System.out.println("ASSIGNED " + consumer.assignment().stream().map(TopicPartition::toString)
                    .sorted().collect(Collectors.joining(" ")));
            }
        });
        while (!isLeaving.get()) {
            var events = consumer.poll(Duration.ofMillis(200));
            if (events.isEmpty()) continue;
            consumer.commitSync();
            events.forEach(event -> System.out.println("EVENT " + event.value()));
        }
        consumer.close();
    }
}
